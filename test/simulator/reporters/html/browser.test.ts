import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findBrowser } from '../../../../bin/ensure-browser.js';
import { renderHtml } from '../../../../simulator/reporters/html/page.ts';
import type { RunResult } from '../../../../simulator/result.ts';
import { resultOf } from '../results.ts';
import { auditResult, failedResult, HOSTILE } from './rich-results.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Which element of the page has the focus; run in the page. */
const FOCUSED =
  "document.activeElement === document.body ? '' : String([...document.querySelectorAll('*')].indexOf(document.activeElement))";
const FAULTS =
  "axe.run().then(({ violations }) => violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map(({ html }) => html)].join(' ')))";

let browser: Browser;
let dir: string;

beforeAll(async () => {
  const executablePath = await findBrowser();
  if (executablePath === undefined) throw new Error('no Chromium: run "node bin/ensure-browser.js"');
  dir = mkdtempSync(join(tmpdir(), 'mcp-soak-page-'));
  // Playwright gives each browser a user-data-dir of its own.
  browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
});
afterAll(async () => {
  await browser?.close();
  if (dir !== undefined) rmSync(dir, { recursive: true });
});

/** Opens the page of a result; `noise`: what it wrote to the console, and what it asked the network for. */
async function open(
  result: RunResult,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; noise: string[] }> {
  const file = join(dir, `${result.scenario.name}-${result.verdict}-${result.checks.length}.html`);
  writeFileSync(file, renderHtml(result));
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const noise: string[] = [];
  const address = pathToFileURL(file).href;
  page.on('console', (message) => noise.push(message.text()));
  page.on('pageerror', (error) => noise.push(error.message));
  page.on('request', (request) => {
    if (request.url() !== address && !request.url().startsWith('data:')) noise.push(request.url());
  });
  await page.goto(address);
  return { page, noise };
}

describe('the page in a browser', () => {
  it.each([
    ['that failed', failedResult()],
    ['that passed', resultOf()],
    ['that was an audit', auditResult()],
  ])('of a run %s asks nothing of the network and has no error', async (_, result) => {
    const { page, noise } = await open(result);
    expect(await page.title()).toContain(result.verdict.toUpperCase());
    expect(await page.locator('h1').innerText()).toContain(result.verdict.toUpperCase());
    expect(noise).toEqual([]);
    await page.context().close();
  });

  it('shows all of it without script; buttons are for who has one', async () => {
    const { page } = await open(failedResult(), { javaScriptEnabled: false });
    expect(await page.locator('svg[role=img]').count()).toBe(5);
    expect(await page.locator('.s-band .area').count()).toBeGreaterThan(0);
    expect(await page.locator('#reaping .bar').count()).toBeGreaterThan(3);
    expect(await page.locator('button:visible').count()).toBe(0);
    await page.context().close();
  });

  it('leaves out what an audit has nothing of', async () => {
    const { page } = await open(auditResult());
    expect(await page.locator('section.card').evaluateAll((all) => all.map(({ id }) => id))).toEqual([
      'checks',
      'validity',
      'run',
    ]);
    await page.context().close();
  });

  it('has the numbers of the result in its tables', async () => {
    const result = failedResult();
    const { page } = await open(result);
    const seen = await page
      .locator('details:has(summary:text("Looks at the target")) tbody tr td:nth-child(2)')
      .allTextContents();
    expect(seen).toEqual(result.series.map(({ observed }) => observed.toLocaleString('en-US')));
    const names = await page.locator('.checks th[scope=row]').allTextContents();
    expect(names).toEqual([
      'sessions_not_leaked',
      'reap_lag',
      'target_survives',
      'mcp_request_duration_ms p(95) < 250 ms',
    ]);
    expect(await page.locator('#memory').innerText()).toContain('20 / 20 / 20');
    await page.context().close();
  });

  it('keeps what a hostile server says text', async () => {
    const { page, noise } = await open(failedResult());
    expect(await page.title()).toBe('FAIL abandon (real) – mcp-soak');
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('#errors .said').innerText()).toBe(HOSTILE);
    expect(noise).toEqual([]);
    await page.context().close();
  });

  it('is reached with the keyboard: every link, button, fold and scrolling region', async () => {
    const { page } = await open(failedResult());
    const wanted = await page
      .locator('a[href]:visible, button:visible, summary:visible, [tabindex="0"]:visible')
      .count();
    const reached = new Set<string>();
    for (let n = 0; n < wanted + 5; n += 1) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate<string>(FOCUSED));
    }
    reached.delete('');
    expect(reached.size).toBeGreaterThanOrEqual(wanted);
    await page.context().close();
  });

  it('zooms by a button, and closes the zoom with Escape', async () => {
    const { page, noise } = await open(failedResult());
    await page.locator('[data-zoom]').click();
    expect(await page.locator('.explorer canvas').count()).toBe(3);
    await page.locator('[data-zoom]').click();
    expect(await page.locator('.explorer canvas').count()).toBe(0);
    expect(noise).toEqual([]);
    await page.context().close();
  });

  it.each([
    ['light', failedResult()],
    ['dark', failedResult()],
    ['light', auditResult()],
    ['dark', resultOf()],
  ] as const)('has no serious fault of accessibility (%s)', async (colorScheme, result) => {
    const { page } = await open(result, { colorScheme, bypassCSP: true });
    expect(await faultsOf(page)).toEqual([]);
    await page.context().close();
  });

  it('would be told of one', async () => {
    const { page } = await open(resultOf(), { bypassCSP: true });
    await page.locator('body').evaluate((body) => body.insertAdjacentHTML('beforeend', '<img src="data:,">'));
    expect(await faultsOf(page)).toEqual([expect.stringContaining('image-alt')]);
    await page.context().close();
  });
});

async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate<string[]>(FAULTS);
}
