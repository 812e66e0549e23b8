import { describe, expect, it } from 'vitest';
import { GeneratorObserver, machineStrain } from '../../../simulator/observers/generator.ts';
import { parseCpuTimes, parsePressure } from '../../../simulator/observers/machine.ts';

describe('the counters of the machine', () => {
  it('are read from what Linux writes', () => {
    const pressure = 'some avg10=98.50 avg60=1.72 avg300=4.18 total=50396417\nfull avg10=0.00 total=0\n';
    expect(parsePressure(pressure)).toEqual({ pressureAvg10: 0.985, pressureUs: 50_396_417 });
    const stat = 'cpu  26437 1 7948 428612 522 3 137 12 5 6\ncpu0 1 2 3\n';
    expect(parseCpuTimes(stat)).toEqual({ cpuTicks: 463_672, stealTicks: 12 });
  });

  it.each(['', 'cpu 1 2 3', 'something else'])('are absent where there are none: %j', (text) => {
    expect([parsePressure(text), parseCpuTimes(text)]).toEqual([{}, {}]);
  });

  it('become shares of a run', () => {
    const before = { pressureUs: 1_000_000, pressureAvg10: 0.1, cpuTicks: 1_000, stealTicks: 10 };
    const after = { pressureUs: 4_000_000, pressureAvg10: 0.7, cpuTicks: 1_800, stealTicks: 50 };
    expect(machineStrain(before, after, 4_000)).toEqual({
      pressureShare: 0.75,
      pressureAvg10: 0.7,
      stealShare: 0.05,
    });
    expect(machineStrain({}, {}, 4_000)).toEqual({});
  });
});

describe('the observer of the generator', () => {
  it('sees a blocked event loop, and CPU used', async () => {
    const observer = new GeneratorObserver();
    const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
    // The histogram measures from one fire of its timer to the next.
    while (observer.delayMaxMs() < 100) {
      const until = performance.now() + 150;
      while (performance.now() < until);
      await nextTurn();
    }
    const { loopDelayMaxMs, loopUtilisation, cpuCores } = observer.strain();
    observer.close();
    expect(loopDelayMaxMs).toBeGreaterThanOrEqual(100);
    expect(loopUtilisation).toBeGreaterThan(0);
    expect(cpuCores).toBeGreaterThan(0);
  });
});
