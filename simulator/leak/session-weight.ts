import { HELD } from '../judge/held.ts';
import type { McpClient } from '../mcp/mcp-client.ts';
import type { WorkParts } from './leak-work.ts';

/** So many sessions first, in case that each is heavy; then as many as make what one weighs exact. */
const FEW = 10;
const MANY = 100;

/**
 * What the target holds for each session that is open, has seen the tools and waits, bytes (F50). Undefined when it lets
 * nobody open some, or ended them meanwhile: that is a policy, and no weight.
 */
export async function sessionWeight(
  parts: WorkParts,
  bytes: () => Promise<number>,
): Promise<number | undefined> {
  const open: McpClient[] = [];
  let areThere: boolean;
  let weight = 0;
  try {
    const before = await bytes();
    for (const wanted of [FEW, MANY]) {
      await openUntil(parts, open, wanted);
      if (open.length === 0) return undefined;
      weight = Math.max(0, (await bytes()) - before) / open.length;
      if (weight > HELD.session.maxBytes) break;
    }
  } finally {
    areThere = await endAll(parts, open);
  }
  return areThere ? weight : undefined;
}

/** Until so many are open, or one is refused: a cap is no failure. */
async function openUntil(
  { lanes, tally, call }: WorkParts,
  open: McpClient[],
  wanted: number,
): Promise<void> {
  const refused = new AbortController();
  await lanes.each(
    wanted - open.length,
    async (lane) => {
      const client = lane.client();
      if (!tally.opening(await client.initialize({ handshake: 'full' }))) {
        refused.abort();
        client.release();
        return;
      }
      open.push(client);
      await client.list('tools');
      await call.run(client);
    },
    refused.signal,
  );
}

/** Whether all of them were there to be ended. */
async function endAll({ tally }: WorkParts, open: readonly McpClient[]): Promise<boolean> {
  let areThere = true;
  for (const client of open) {
    const deleted = await client.delete();
    if (deleted.kind === 'accepted') tally.deleted += 1;
    if (deleted.kind === 'http-error' && deleted.status === 404) areThere = false;
    client.release();
  }
  return areThere;
}
