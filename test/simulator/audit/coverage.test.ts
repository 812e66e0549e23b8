import { describe, expect, it } from 'vitest';
import { MEMORY_CHECKS } from '../../../simulator/audit/memory-checks.ts';
import { NOT_PROBED } from '../../../simulator/audit/not-probed.ts';
import { PROBES } from '../../../simulator/audit/probes/index.ts';

const FAILURE_MODES = Array.from({ length: 58 }, (_, index) => `F${String(index + 1).padStart(2, '0')}`);

const CHECKS = [...PROBES, ...MEMORY_CHECKS];
const probed = new Set(CHECKS.flatMap(({ failureModes }) => failureModes));
const listed = new Map(NOT_PROBED.map(({ failureMode, reason }) => [failureMode, reason]));

describe('The failure modes', () => {
  it.each(FAILURE_MODES)('%s has a check, or a reason why there is none, and not both', (mode) => {
    expect(Number(probed.has(mode)) + Number(listed.has(mode))).toBe(1);
    if (listed.has(mode)) expect(listed.get(mode)).toMatch(/\w+ \w+/);
  });

  it('are those that are known', () => {
    expect([...probed, ...listed.keys()].filter((mode) => !FAILURE_MODES.includes(mode))).toEqual([]);
  });

  it('lists each one without a probe once, in order', () => {
    const modes = NOT_PROBED.map(({ failureMode }) => failureMode);
    expect(modes).toEqual([...new Set(modes)].sort());
  });
});

describe('The checks', () => {
  it('have names of their own, in snake_case', () => {
    const names = CHECKS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9]+(_[a-z0-9]+)+$/);
  });

  it('come in the order of the failure modes they name first', () => {
    const first = PROBES.map(({ failureModes }) => failureModes[0]);
    expect(first).toEqual([...first].sort());
  });
});
