const NEWLINE = 0x0a;

/** Splits a stream into lines. Of a line that is longer than the most bytes, the rest is dropped. */
export class Lines {
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly onLine: (line: Buffer, isCut: boolean) => void,
  ) {}

  /** How many bytes of a line that has not ended are kept. */
  get pendingBytes(): number {
    return Math.min(this.#bytes, this.maxBytes);
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      if (this.#bytes === 0 && end - from <= this.maxBytes) this.onLine(chunk.subarray(from, end), false);
      else {
        this.#add(chunk.subarray(from, end));
        this.#finish();
      }
      from = end + 1;
    }
    if (from < chunk.length) this.#add(chunk.subarray(from));
  }

  /** The stream has ended: what came behind the last newline is a line, too. */
  end(): void {
    if (this.#bytes > 0) this.#finish();
  }

  #add(part: Buffer): void {
    const room = this.maxBytes - this.#bytes;
    this.#bytes += part.length;
    if (room > 0 && part.length > 0) this.#parts.push(part.length > room ? part.subarray(0, room) : part);
  }

  #finish(): void {
    const line = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    const isCut = this.#bytes > this.maxBytes;
    this.#parts = [];
    this.#bytes = 0;
    this.onLine(line, isCut);
  }
}
