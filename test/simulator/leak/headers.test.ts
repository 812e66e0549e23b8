import { expect, it } from 'vitest';
import { VirtualTime } from '../../../simulator/clock/virtual.ts';
import { type Lane, Lanes } from '../../../simulator/leak/lanes.ts';
import { chooseCall } from '../../../simulator/leak/tool-call.ts';
import { RequestError } from '../../../simulator/run-request.ts';
import { inProcessTarget } from '../../../simulator/targets/in-process.ts';
import { guarded, type Visit } from '../guarded.ts';

const TOKEN = 'Bearer token-of-this-test';

/** What a leak test of a guarded hub is to call, and the header of each of its requests. */
async function chosen(headers: Record<string, string>) {
  const visits: Visit[] = [];
  const time = new VirtualTime();
  try {
    return await time.drive(async () => {
      const launch = guarded(['Authorization', TOKEN], visits, { says: `not ${headers.Authorization}` });
      const target = await inProcessTarget('guarded', launch, time);
      const lanes = new Lanes(target, time.clock, { headers });
      try {
        const { name } = await chooseCall(lanes, undefined);
        const open = async (lane: Lane) => void (await lane.client().initialize({ handshake: 'full' }));
        await lanes.each(3, open, new AbortController().signal);
        return { name, sent: new Set(visits.map(({ header }) => header)) };
      } finally {
        lanes.close();
        await target.stop();
      }
    });
  } finally {
    time.uninstall();
  }
}

it('sends the headers of the request with everything', async () => {
  expect(await chosen({ Authorization: TOKEN })).toEqual({ name: 'echo', sent: new Set([TOKEN]) });
});

it('is a bad request where the target does not let it in, and repeats no token', async () => {
  const error: unknown = await chosen({ Authorization: 'Bearer wrong-token' }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RequestError);
  expect(error).toHaveProperty(
    'message',
    "The target at http://localhost/mcp answered the first request, initialize, with 401 (not …): it demands authentication. --header Authorization was given. Give it a token that it takes: --header 'Authorization: Bearer …'.",
  );
});
