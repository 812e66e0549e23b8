import * as z from 'zod';

/**
 * How hard the simulator's own process and machine had it, over a whole run in real time. It explains; it decides
 * nothing: CPU and event-loop utilisation *fall* when neighbours starve the generator, and a machine under pressure
 * may still have sent every request in time. What decides is schedule lag (validity.ts).
 */
export const StrainSchema = z.object({
  /** Delay of the event loop, ms. */
  loopDelayMaxMs: z.number(),
  /** Share of the time in which the event loop was at work, 0 to 1. */
  loopUtilisation: z.number(),
  /** CPU used by the simulator's process, in cores. */
  cpuCores: z.number(),
  /** Share of the run in which some task of the machine waited for a CPU, and the kernel's last average over 10 s (Linux). */
  pressureShare: z.number().optional(),
  pressureAvg10: z.number().optional(),
  /** Share of the machine's CPU time that the host gave to others (Linux in a virtual machine). */
  stealShare: z.number().optional(),
});
export type Strain = z.infer<typeof StrainSchema>;

/** Beyond these it is worth a word; figures of a healthy run on two shared cores stay below. */
const WARN_FROM = {
  pressure: 0.6,
  steal: 0.1,
  loopUtilisation: 0.7,
  cpuCores: 0.8,
  loopDelayP99Ms: 20,
} as const;

/** What was hard on the simulator, in words; empty when nothing was. */
export function strainWarnings(strain: Strain, loopDelayP99Ms: number | null): string[] {
  const pressure = Math.max(strain.pressureShare ?? 0, strain.pressureAvg10 ?? 0);
  return [
    ...(pressure >= WARN_FROM.pressure ? ['the machine is short of CPU'] : []),
    ...((strain.stealShare ?? 0) >= WARN_FROM.steal ? ['the host gives its CPU to others'] : []),
    ...(strain.loopUtilisation > WARN_FROM.loopUtilisation || strain.cpuCores > WARN_FROM.cpuCores
      ? ['the simulator is near its own limit']
      : []),
    ...((loopDelayP99Ms ?? 0) > WARN_FROM.loopDelayP99Ms ? ['its event loop is late'] : []),
  ];
}
