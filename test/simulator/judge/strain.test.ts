import { describe, expect, it } from 'vitest';
import { type Strain, strainWarnings } from '../../../simulator/judge/strain.ts';

const EASY: Strain = {
  loopDelayMaxMs: 9,
  loopUtilisation: 0.09,
  cpuCores: 0.1,
  pressureShare: 0.32,
  pressureAvg10: 0.26,
  stealShare: 0,
};

describe('what is said of a strained generator', () => {
  it.each<[string, Partial<Strain>, number | null, string[]]>([
    ['nothing, of a healthy one on two shared cores', {}, 2, []],
    ['the machine is short of CPU, from 60 % on', { pressureShare: 0.6 }, 2, ['the machine is short of CPU']],
    ['the same by the last ten seconds', { pressureAvg10: 0.985 }, 2, ['the machine is short of CPU']],
    ['the host takes CPU away', { stealShare: 0.1 }, 2, ['the host gives its CPU to others']],
    ['its loop is near its limit', { loopUtilisation: 0.71 }, 2, ['the simulator is near its own limit']],
    ['its CPU is near its limit', { cpuCores: 0.81 }, 2, ['the simulator is near its own limit']],
    ['its loop is late', {}, 20.1, ['its event loop is late']],
  ])('%s', (_, changes, delayMs, warnings) => {
    expect(strainWarnings({ ...EASY, ...changes }, delayMs)).toEqual(warnings);
  });

  it('is nothing where the machine tells nothing', () => {
    const { loopDelayMaxMs, loopUtilisation, cpuCores } = EASY;
    expect(strainWarnings({ loopDelayMaxMs, loopUtilisation, cpuCores }, null)).toEqual([]);
  });
});
