import { describe, expect, it } from 'vitest';
import { perColumn } from '../../../../simulator/reporters/html/downsample.ts';
import { escapeHtml, html, jsonForScript } from '../../../../simulator/reporters/html/markup.ts';
import { renderHtml } from '../../../../simulator/reporters/html/page.ts';
import { linear, logarithmic, timeAxis } from '../../../../simulator/reporters/html/scale.ts';
import { failedResult, HOSTILE } from './rich-results.ts';

const range = { from: 0, to: 100 };

describe('markup', () => {
  it('takes what is filled in as text, unless it is markup', () => {
    expect(html`<p>${'<b>&"'}${html`<i>${"'"}</i>`}${[1, 'a']}${false}${undefined}</p>`.text).toBe(
      '<p>&lt;b&gt;&amp;&quot;<i>&#39;</i>1a</p>',
    );
  });

  it('shows what would be invisible, and keeps line ends', () => {
    expect(escapeHtml('a\u202eb\u0000c\r\nd\te')).toBe('a\ufffdb\ufffdc\nd\te');
  });

  it('writes JSON that cannot end its element', () => {
    const { text } = jsonForScript({ said: HOSTILE });
    expect(text).not.toContain('<');
    expect(JSON.parse(text)).toEqual({ said: HOSTILE });
  });
});

describe('scales', () => {
  it.each([
    [linear({ from: 0, to: 9 }, range), [0, 2, 4, 6, 8]],
    [linear({ from: 0, to: 0.45 }, range), [0, 0.1, 0.2, 0.3, 0.4]],
    [logarithmic({ from: 0.1, to: 130 }, range), [0.1, 1, 10, 100]],
    [timeAxis({ from: 0, to: 600_000 }, range), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => n * 60_000)],
  ])('have round ticks', ({ ticks }, expected) => expect(ticks).toEqual(expected));
});

it('a column of pixels keeps its first, lowest, highest and last point: no peak is lost', () => {
  const points = Array.from({ length: 1_000 }, (_, n) => ({ x: n / 100, y: n === 537 ? 99 : n % 10 }));
  const kept = perColumn(points);
  expect(kept.length).toBeLessThanOrEqual(40);
  expect(kept).toContainEqual({ x: 5.37, y: 99 });
  expect(kept[0]).toEqual(points[0]);
  expect(kept.at(-1)).toEqual(points.at(-1));
});

describe('the page', () => {
  const page = renderHtml(failedResult());

  it('allows one style and one script by their hashes, and nothing else', () => {
    const [, policy] = /Content-Security-Policy" content="([^"]+)"/.exec(page) ?? [];
    expect(policy?.replaceAll(/sha256-[\w+/=]+/g, 'sha256-…').replaceAll('&#39;', "'")).toBe(
      "default-src 'none'; style-src 'sha256-…'; script-src 'sha256-…'; img-src data:; base-uri 'none'; form-action 'none'",
    );
  });

  it('names no address but those of the run, and has no attribute that styles or acts', () => {
    const markup = page.replaceAll(/<(script|style)[\s\S]*?<\/\1>/g, '').replaceAll(/>[^<]*</g, '><');
    expect(markup).not.toMatch(/https?:|\s(?:style|on\w+)=/);
  });

  it('concludes each chart in a sentence', () => {
    const sentences = [...page.matchAll(/<desc [^>]*>([^<]+)</g)].map(([, sentence]) => sentence);
    expect(sentences).toHaveLength(5);
    expect(sentences[0]).toContain('12 sessions too many at worst, first at 30 s');
    expect(sentences.join(' ')).toContain('320 B a session');
  });
});
