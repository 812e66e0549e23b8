import type { TargetExit } from '../targets/target.ts';
import type { ProbeContext } from './probe-context.ts';

/** Tells the target to end; when that was, on the clock. */
export function tellToEnd(context: ProbeContext): number {
  context.note('SIGTERM is sent to the server');
  const at = context.clock.now();
  context.target.signal?.('SIGTERM');
  return at;
}

/**
 * Waits for the end of the target; undefined when it does not come. Then the target is killed: what follows starts
 * it again.
 */
export async function endOf(
  { target, clock }: ProbeContext,
  withinMs: number,
): Promise<TargetExit | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const cancel = clock.at(clock.now() + withinMs, () => resolve(undefined));
  const exit = await Promise.race([target.exited, late]);
  cancel();
  if (!exit) target.kill?.();
  return exit;
}
