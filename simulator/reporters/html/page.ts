import type { RunResult } from '../../result.ts';
import { sourceHash, uplotAssets } from './assets.ts';
import { banner } from './banner.ts';
import { checksTable } from './checks-table.ts';
import { errorsTable } from './errors.ts';
import { latency } from './latency.ts';
import { leakSections } from './leaks.ts';
import { html, jsonForScript, Markup } from './markup.ts';
import { reaping } from './reaping.ts';
import { SCRIPT } from './script.ts';
import { sessionsBalance } from './sessions.ts';
import { setting } from './setting.ts';
import { THEME } from './theme.ts';
import { timeLine } from './time-line.ts';
import { validityBox } from './validity.ts';
import { zoomData } from './zoom-data.ts';

interface Section {
  readonly id: string;
  readonly title: string;
  readonly content: Markup | undefined;
}

/**
 * A result as one page that needs nothing else: no network, no script (which only adds copying and zooming). What
 * a run has nothing of is left out.
 */
export function renderHtml(written: RunResult): string {
  // Looks may overlap, and one that took long is written down after its successor.
  const result = { ...written, series: written.series.toSorted((a, b) => a.t - b.t) };
  const line = timeLine(result);
  const sections: Section[] = [
    { id: 'checks', title: 'Checks', content: checksTable(result.checks) },
    { id: 'validity', title: 'Validity', content: validityBox(result) },
    { id: 'time', title: 'Time line', content: line },
    { id: 'sessions', title: 'Sessions', content: sessionsBalance(result) },
    { id: 'reaping', title: 'Reaping', content: reaping(result) },
    { id: 'memory', title: 'Memory', content: leakSections(result.leaks) },
    { id: 'latency', title: 'Latency', content: latency(result) },
    { id: 'errors', title: 'Errors', content: errorsTable(result) },
    { id: 'run', title: 'Run and scenario', content: setting(result) },
  ].filter(({ content }) => content !== undefined);
  const charts = line === undefined ? [] : zoomData(result);
  const uplot = charts.length > 0 ? uplotAssets() : { script: '', style: '' };
  const style = `${THEME}${uplot.style}`;
  const script = `${uplot.script}${SCRIPT}`;
  const policy = `default-src 'none'; style-src ${sourceHash(style)}; script-src ${sourceHash(script)}; img-src data:; base-uri 'none'; form-action 'none'`;
  const title = `${result.verdict.toUpperCase()} ${result.scenario.name} (${result.mode}) – mcp-soak`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#checks">Skip to the checks</a>
<main>
${banner(result)}
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
${sections.map(
  ({
    id,
    title,
    content,
  }) => html`<section class="card" id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>
`,
)}
<footer><p>Made by ${result.tool} from <code>result.json</code>, which has all of it.</p></footer>
</main>
${
  charts.length > 0 &&
  html`<script type="application/json" id="time-data">${jsonForScript(charts)}</script>
`
}<script>${new Markup(script)}</script>
</body>
</html>
`.text;
}
