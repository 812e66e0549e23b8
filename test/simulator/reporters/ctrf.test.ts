import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { renderCtrf } from '../../../simulator/reporters/ctrf.ts';
import { auditResult } from './html/rich-results.ts';
import { check, LEAKED, resultOf } from './results.ts';

const count = z.number().int().nonnegative();
/** What CTRF requires, and nothing it does not know. */
const CtrfSchema = z.strictObject({
  reportFormat: z.literal('CTRF'),
  specVersion: z.string().regex(/^\d+\.\d+\.\d+$/),
  results: z.strictObject({
    tool: z.strictObject({ name: z.string().min(1), version: z.string() }),
    summary: z.strictObject({
      tests: count,
      passed: count,
      failed: count,
      pending: count,
      skipped: count,
      other: count,
      start: count,
      stop: count,
    }),
    tests: z.array(
      z.strictObject({
        name: z.string().min(1),
        status: z.enum(['passed', 'failed', 'skipped', 'pending', 'other']),
        duration: count,
        suite: z.array(z.string()),
        rawStatus: z.string(),
        type: z.string(),
        message: z.string().optional(),
        trace: z.string().optional(),
        tags: z.array(z.string()),
        extra: z.record(z.string(), z.union([z.string(), z.number()])),
      }),
    ),
  }),
});

const parsed = (...results: Parameters<typeof renderCtrf>[0]) =>
  CtrfSchema.parse(JSON.parse(renderCtrf(results))).results;

describe('the CTRF document', () => {
  it('counts each verdict under the word that CTRF has for it', () => {
    const { summary, tests } = parsed(
      resultOf({
        checks: [
          check('a', 'pass'),
          LEAKED,
          check('c', 'no-data'),
          check('d', 'invalid', { reason: 'too busy' }),
          check('e', 'not-observable'),
        ],
      }),
    );
    expect(summary).toEqual({
      tests: 5,
      passed: 1,
      failed: 2,
      pending: 0,
      skipped: 1,
      other: 1,
      start: Date.parse('2026-01-02T03:04:05.678Z'),
      stop: Date.parse('2026-01-02T03:04:06.913Z'),
    });
    expect(tests.map(({ rawStatus }) => rawStatus)).toEqual([
      'pass',
      'fail',
      'no-data',
      'invalid',
      'not-observable',
    ]);
  });

  it('carries numbers, clause and remedy', () => {
    const [test] = parsed(auditResult()).tests;
    expect(test).toMatchObject({
      message: '400, allowed 404: a request with an unknown session id was answered 400',
      extra: {
        observed: '400',
        limit: '404',
        clause: 'MCP 2025-11-25, basic/transports: Session Management, 3',
        remedy: 'Answer 404, so that clients start a new session.',
      },
    });
  });

  it('adds runs up', () => {
    const { summary, tests } = parsed(resultOf(), resultOf({ mode: 'real', checks: [LEAKED] }));
    expect([summary.tests, tests.length, summary.failed]).toEqual([4, 4, 1]);
  });
});
