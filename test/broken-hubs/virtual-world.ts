import type { Clock } from '../../simulator/clock/clock.ts';
import { VirtualTime } from '../../simulator/clock/virtual.ts';
import { inProcessTarget, type Launch } from '../../simulator/targets/in-process.ts';
import type { Target } from '../../simulator/targets/target.ts';
import { RawClient } from './raw-client.ts';

/** What a test in virtual time works with. */
export interface VirtualWorld {
  readonly clock: Clock;
  readonly target: Target;
  readonly client: RawClient;
  /** How many sessions the server lists. */
  count(): Promise<number>;
  /** Steps the wall clock, and nothing else. */
  stepWallClock(ms: number): void;
}

/** Plays a story against a server under virtual time, and takes that time away again. */
export async function inVirtualTime<Outcome>(
  launch: Launch,
  story: (world: VirtualWorld) => Promise<Outcome>,
): Promise<Outcome> {
  const time = new VirtualTime();
  try {
    const target = await inProcessTarget('workshop', launch, time);
    const client = new RawClient((signal) => target.dial(signal));
    const count = async () => Number(Reflect.get(Object((await client.get('/sessions')).json), 'total'));
    const stepWallClock = (ms: number) => time.stepWallClock(ms);
    const world = { clock: time.clock, target, client, count, stepWallClock };
    return await time.drive(() => story(world).finally(() => target.stop()));
  } finally {
    time.uninstall();
  }
}
