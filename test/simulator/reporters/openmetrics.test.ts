import { describe, expect, it } from 'vitest';
import { renderOpenMetrics } from '../../../simulator/reporters/openmetrics.ts';
import { failedResult, HOSTILE } from './html/rich-results.ts';
import { resultOf } from './results.ts';

interface Sample {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

const SUFFIXES = { counter: ['_total'], gauge: [''], summary: ['', '_sum', '_count'] } as const;

/** A strict reader of OpenMetrics 1.0, as far as it is used. Throws for whatever the text format forbids. */
function parse(text: string): Sample[] {
  if (!text.endsWith('# EOF\n')) throw new Error('the last line has to be "# EOF"');
  const [families, samples, series] = [
    new Map<string, keyof typeof SUFFIXES>(),
    [] as Sample[],
    new Set<string>(),
  ];
  let family = '';
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const [, keyword, name = '', rest = ''] = /^# (TYPE|UNIT|HELP) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === 'TYPE') {
      if (families.has(name)) throw new Error(`family ${name} comes twice`);
      if (rest !== 'counter' && rest !== 'gauge' && rest !== 'summary') throw new Error(`type ${rest}`);
      families.set(name, rest);
      family = name;
      continue;
    }
    if (keyword !== undefined) {
      if (name !== family) throw new Error(`${keyword} of ${name} within ${family}`);
      if (keyword === 'UNIT' && !name.endsWith(`_${rest}`))
        throw new Error(`${name} does not end in its unit ${rest}`);
      continue;
    }
    const [, full = '', inner = '', value = ''] =
      /^([a-z][a-z0-9_]*)(?:\{(.*)\})? (-?[\d.e+-]+)$/.exec(line) ?? [];
    const type = families.get(family);
    if (type === undefined || !SUFFIXES[type].some((suffix) => full === `${family}${suffix}`))
      throw new Error(`${line} does not belong to ${family}`);
    if (series.has(`${full}{${inner}}`)) throw new Error(`${line} comes twice`);
    series.add(`${full}{${inner}}`);
    const labels = [...inner.matchAll(/([a-z_]+)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/g)];
    if (labels.map(([whole]) => whole).join('') !== inner) throw new Error(`labels of ${line}`);
    samples.push({
      name: full,
      labels: Object.fromEntries(labels.map(([, key, text]) => [key, text])),
      value: Number(value),
    });
  }
  return samples;
}

describe('the OpenMetrics text', () => {
  it('of a run that passed', () => {
    const samples = parse(renderOpenMetrics([resultOf()]));
    const numberOf = (name: string) => samples.find((sample) => sample.name === name)?.value;
    expect(numberOf('mcp_soak_run_passed')).toBe(1);
    expect(numberOf('mcp_soak_sessions_opened_total')).toBe(1_099);
    expect(samples.find(({ labels }) => labels.when === 'certified')?.value).toBe(900);
  });

  it('has seconds, a series for each method and check, and whatever a server says as text', () => {
    const samples = parse(renderOpenMetrics([failedResult()]));
    const p99 = samples.find(({ labels }) => labels.method === 'initialize' && labels.quantile === '0.99');
    expect(p99?.value).toBeCloseTo(0.247, 2);
    expect(samples.map(({ labels }) => labels.method)).toContain(HOSTILE.replaceAll('"', '\\"'));
    expect(samples.filter(({ name }) => name === 'mcp_soak_check_passed').map(({ value }) => value)).toEqual([
      1, 1, 0, 0,
    ]);
  });

  it('tells several runs apart', () => {
    const samples = parse(renderOpenMetrics([resultOf(), resultOf()]));
    expect(
      samples.filter(({ name }) => name === 'mcp_soak_run_passed').map(({ labels }) => labels.run),
    ).toEqual(['1', '2']);
  });

  it('is nothing that the reader takes for granted', () => {
    const text = renderOpenMetrics([resultOf()]);
    expect(() => parse(text.replace('# EOF\n', ''))).toThrow('EOF');
    expect(() => parse(text.replace('opened_total{', 'opened{'))).toThrow('does not belong');
    expect(() => parse(text.replace('mode="virtual"}', 'mode=virtual}'))).toThrow('labels');
  });
});
