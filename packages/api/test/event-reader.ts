/** A message of a stream of events, as a client sees it. */
export interface Seen {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: { readonly type: string; readonly [key: string]: unknown };
}

/** Reads a stream of server-sent events; ends when the stream does. */
export async function* readEvents(answer: Response): AsyncGenerator<Seen, void, void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(piece, { stream: true });
    for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
      const block = text.slice(0, end);
      text = text.slice(end + 2);
      if (block === ":") continue;
      const fields = new Map(
        block
          .split("\n")
          .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(": ") + 2)]),
      );
      yield {
        id: fields.get("id"),
        event: fields.get("event") as string,
        data: JSON.parse(fields.get("data") as string) as Seen["data"],
      };
    }
  }
}

/** Reads a stream to its end. */
export async function readAll(answer: Response): Promise<Seen[]> {
  const all: Seen[] = [];
  for await (const each of readEvents(answer)) all.push(each);
  return all;
}
