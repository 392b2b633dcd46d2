/** A line of a body, or the news that it was too long to be kept. */
export interface Line {
  /** From 1; empty lines count, but are not handed out. */
  readonly number: number;
  readonly bytes: Buffer | "too-long";
}

/** Cuts what comes in into lines; no more than one line is kept. */
export interface LineCutter {
  /** The lines that end in this piece. */
  push(piece: Uint8Array): Line[];
  /** What is left when the body has ended. */
  end(): Line[];
}

const NEWLINE = 10;

/** Makes a cutter; of a line longer than `maxBytes` only that it was too long is told. */
export function createLineCutter(maxBytes: number): LineCutter {
  let parts: Buffer[] = [];
  let size = 0;
  let number = 0;

  const keep = (part: Buffer) => {
    size += part.length;
    if (size > maxBytes) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  const cut = (): Line[] => {
    number++;
    const bytes =
      size > maxBytes ? "too-long" : parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    parts = [];
    size = 0;
    return bytes !== "too-long" && isBlank(bytes) ? [] : [{ number, bytes }];
  };
  return {
    push(piece) {
      const buffer = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
      const lines: Line[] = [];
      let from = 0;
      for (let at = buffer.indexOf(NEWLINE); at !== -1; at = buffer.indexOf(NEWLINE, from)) {
        keep(buffer.subarray(from, at));
        lines.push(...cut());
        from = at + 1;
      }
      keep(buffer.subarray(from));
      return lines;
    },
    end: () => (size === 0 ? [] : cut()),
  };
}

/** Nothing but spaces, tabs and carriage returns. */
function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9 || byte === 13);
}
