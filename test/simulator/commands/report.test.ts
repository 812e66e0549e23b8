import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ReportOptions, reportResults } from '../../../simulator/commands/report.ts';
import { readResult } from '../../../simulator/commands/results.ts';
import { renderSummary } from '../../../simulator/reporters/console.ts';
import { renderJunit } from '../../../simulator/reporters/junit.ts';
import { renderMarkdown } from '../../../simulator/reporters/markdown.ts';
import { RequestError } from '../../../simulator/run-request.ts';
import { mcpSoak } from '../../e2e/cli.ts';
import { LEAKED, resultOf } from '../reporters/results.ts';
import { command, fileWith, folder } from './results.ts';

const PASSED = resultOf();
const FAILED = resultOf({ verdict: 'fail', exitCode: 99, checks: [LEAKED] });

const report = (files: string[], options: Partial<ReportOptions> = {}) =>
  command((console) => reportResults(files, { format: 'console', ...options }, console));

describe('mcp-soak report', () => {
  it.each([
    ['console', renderSummary(FAILED, { useColour: false })],
    ['json', `${JSON.stringify(FAILED)}\n`],
    ['junit', renderJunit([FAILED])],
    ['markdown', renderMarkdown(FAILED)],
  ])('makes the %s report again, and ends with 0 whatever it says', async (format, text) => {
    const { code, out, err } = await report([fileWith(FAILED)], { format });
    expect([code, err, out]).toEqual([0, '', text]);
  });

  it('makes one document of several results, in a file', async () => {
    const path = join(folder(), 'made', 'junit.xml');
    const files = [fileWith(PASSED), fileWith(FAILED)];
    const { code, out, err } = await report(files, { format: 'junit', out: path });
    expect([code, out, err]).toEqual([0, '', '']);
    expect(readFileSync(path, 'utf8')).toBe(renderJunit([PASSED, FAILED]));
  });

  it.each([
    [
      'a format that there is not',
      { format: 'pdf' },
      "--format: got 'pdf', allowed: console, json, junit, markdown, html, ctrf, openmetrics.",
    ],
    ['a file that cannot be written', { out: '/dev/null/x' }, '--out: /dev/null/x cannot be written: '],
  ])('refuses %s', async (_, options, message) => {
    const { code, out, err } = await report([fileWith(PASSED)], options);
    expect([code, out]).toEqual([104, '']);
    expect(err).toContain(message);
  });

  it('ends with 104 for a file that is no result, and writes nothing', async () => {
    const path = join(folder(), 'report.md');
    const { code, err } = await mcpSoak('report', fileWith('{}'), '--format', 'markdown', '--out', path);
    expect([code, existsSync(path)]).toEqual([104, false]);
    expect(err).toContain('is no result of mcp-soak: its "format" is not "mcp-soak-result".');
  });
});

describe('reading a result', () => {
  it('gives back what was written', () => {
    expect(readResult(fileWith(FAILED))).toEqual(FAILED);
  });

  it.each([
    ['that is not there', '/no/such/result.json', /^\/no\/such\/result\.json cannot be read: ENOENT/],
    ['that is a folder', '/tmp', /^\/tmp cannot be read: EISDIR/],
  ])('refuses a file %s', (_, path, message) => {
    expect(() => readResult(path)).toThrow(RequestError);
    expect(() => readResult(path)).toThrow(message);
  });

  it.each<[string, object | string, RegExp]>([
    ['that is no JSON', 'version: 1', /is no result of mcp-soak: it is not JSON \(/],
    ['that is JSON of another kind', [1, 2], /is no result of mcp-soak: its "format"/],
    ['that is empty', '', /it is not JSON/],
    [
      'of a newer version, whatever is in it',
      { format: 'mcp-soak-result', version: 2, new: true },
      /is a result of version 2; this mcp-soak reads version 1\. Use the mcp-soak that wrote it, or a newer one\./,
    ],
    [
      'that is damaged',
      { ...PASSED, seed: 'x', sessions: { ...PASSED.sessions, opened: -1 } },
      /is a damaged result:\n {2}seed: .*\n {2}sessions\.opened: /,
    ],
  ])('refuses one %s', (_, document, message) => {
    const path = fileWith(document);
    expect(() => readResult(path)).toThrow(RequestError);
    expect(() => readResult(path)).toThrow(message);
  });

  it('names no more than three of a hundred faults', () => {
    const path = fileWith({ format: 'mcp-soak-result', version: 1 });
    expect(() => readResult(path)).toThrow(/^.*damaged result:(\n {2}.*){3}$/);
  });
});
