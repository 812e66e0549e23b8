import type { Clock } from '../../simulator/clock/clock.ts';
import { VirtualTime } from '../../simulator/clock/virtual.ts';
import { inProcessTarget } from '../../simulator/targets/in-process.ts';
import type { Target } from '../../simulator/targets/target.ts';
import type { DefectName } from './defects.ts';
import type { SdkPolicy } from './policy.ts';
import { RawClient } from './raw-client.ts';
import { createSdkServer } from './sdk-server.ts';

/** What a test in virtual time works with. */
export interface VirtualWorld {
  readonly clock: Clock;
  readonly target: Target;
  readonly client: RawClient;
  /** How many sessions the server lists. */
  count(): Promise<number>;
}

/** Plays a story against an SDK server under virtual time, and takes that time away again. */
export async function inVirtualTime(
  policy: SdkPolicy,
  defect: DefectName | undefined,
  story: (world: VirtualWorld) => Promise<void>,
): Promise<void> {
  const time = new VirtualTime();
  try {
    const target = await inProcessTarget('sdk', () => createSdkServer(policy, defect), time);
    const client = new RawClient(target.dial);
    const count = async () => Number(Reflect.get(Object((await client.get('/sessions')).json), 'total'));
    await time.drive(() => story({ clock: time.clock, target, client, count }).finally(() => target.stop()));
  } finally {
    time.uninstall();
  }
}
