const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * The W3C trace context that a request came with, as version 00 writes it; what is malformed is ignored, as the standard says.
 */
export function traceparentOf(header: string | undefined): string | undefined {
  const match = header === undefined || header.length > 512 ? null : form.exec(header);
  if (!match) return undefined;
  const [, version, trace, parent, flags, rest] = match as unknown as string[];
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(trace as string) || /^0+$/.test(parent as string)) return undefined;
  return `00-${trace}-${parent}-${flags}`;
}
