import { type Document, isAlias, isMap, isNode, isPair, isScalar, type Node, visit } from 'yaml';

/** Where a secret stands in the text: from here, to there. */
export interface SecretPart {
  readonly range: readonly [start: number, end: number];
  /** What it is, where it has the name of a credential. */
  readonly credential?: string;
}

/** Whatever has this name is a credential, wherever it stands: in headers of a raw request, say. */
const CREDENTIAL = /^(?:(?:proxy-)?authorization|cookie|x-api-key)$/i;

/** What a scenario holds that must not be shown: headers of its clients, tokens of the hub, credentials anywhere. */
export function secretParts(document: Document): SecretPart[] {
  const found: { node: Node; credential?: string }[] = [
    ...valuesIn(document, at(document, ['hub', 'authTokens'])),
    ...entriesOf(document, at(document, ['workloads'])).flatMap((workload) =>
      valuesIn(document, at(document, ['client', 'headers'], workload)),
    ),
  ].map((node) => ({ node }));
  visit(document, {
    Pair: (_, { key, value }) => {
      if (!isScalar(key) || !CREDENTIAL.test(String(key.value))) return;
      if (isScalar(value)) found.push({ node: value, credential: String(value.value) });
    },
  });
  const parts = found.flatMap(({ node, ...rest }): SecretPart[] =>
    node.range ? [{ range: [node.range[0], node.range[1]], ...rest }] : [],
  );
  return parts.sort((a, b) => a.range[0] - b.range[0]);
}

/** The text without what stands there. `keepsColumns`: what is left stands where it stood. */
export function masked(
  text: string,
  parts: readonly SecretPart[],
  { keepsColumns = false }: { keepsColumns?: boolean } = {},
): string {
  let shown = '';
  let from = 0;
  for (const {
    range: [start, end],
  } of parts) {
    if (start < from || end <= start) continue;
    const hidden = text.slice(start, end);
    shown += text.slice(from, start) + (keepsColumns ? hidden.replaceAll(/[^\r\n]/g, '*') : '…');
    // A block of lines ends with its line break.
    if (!keepsColumns && hidden.endsWith('\n')) shown += '\n';
    from = end;
  }
  return shown + text.slice(from);
}

function at(
  document: Document,
  path: readonly string[],
  from: unknown = document.contents,
): Node | undefined {
  let node = resolved(document, from);
  for (const part of path) {
    if (!isMap(node)) return undefined;
    const pair = node.items.find(({ key }) => isScalar(key) && key.value === part);
    node = resolved(document, pair?.value);
  }
  return node;
}

function entriesOf(document: Document, node: Node | undefined): Node[] {
  if (!isMap(node)) return [];
  return node.items.flatMap((pair) => (isPair(pair) ? (resolved(document, pair.value) ?? []) : []));
}

/** The values of a mapping; of anything else, the whole of it. */
function valuesIn(document: Document, node: Node | undefined): Node[] {
  if (!node) return [];
  return isMap(node) ? entriesOf(document, node) : [node];
}

function resolved(document: Document, node: unknown): Node | undefined {
  if (isAlias(node)) return node.resolve(document);
  return isNode(node) ? node : undefined;
}
