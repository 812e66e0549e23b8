/** Headers beside those that a client sets itself; names are compared without regard to case. */
export type Headers = Readonly<Record<string, string>>;

/** These frame the message or name the session: set by hand they would only contradict the client. */
export const RESERVED_HEADERS: readonly string[] = [
  'accept',
  'connection',
  'content-length',
  'content-type',
  'host',
  'last-event-id',
  'mcp-protocol-version',
  'mcp-session-id',
  'transfer-encoding',
];

/** All of them, each name once, spelled as it came last: where several say the same name, the last is it. */
export function mergedHeaders(...layers: readonly (Headers | undefined)[]): Record<string, string> {
  const merged = new Map<string, [name: string, value: string]>();
  for (const [name, value] of layers.flatMap((layer) => Object.entries(layer ?? {}))) {
    merged.set(name.toLowerCase(), [name, value]);
  }
  return Object.fromEntries(merged.values());
}

export function hasHeader(headers: Headers | undefined, name: string): boolean {
  return Object.keys(headers ?? {}).some((key) => key.toLowerCase() === name.toLowerCase());
}
