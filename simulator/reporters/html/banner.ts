import type { Check } from '../../judge/check.ts';
import type { RunResult } from '../../result.ts';
import { headlineOf, timeTaken, troublesOf } from '../headline.ts';
import { html, type Markup } from './markup.ts';
import { validityLine } from './validity.ts';
import { checkBadge, runBadge, runTone } from './verdict.ts';

/** Checks that the first screen names; all are in the table below it. */
const MAX_DECIDING = 3;

/** The first screen: the verdict, what decided it, whether it can be trusted, what to do next. */
export function banner(result: RunResult): Markup {
  const { scenario, target, mode, seed, tool, startedAt, verdict } = result;
  const troubles = troublesOf(result.checks);
  const facts: [string, string][] = [
    ['target', target.name],
    ['endpoint', target.endpoint],
    ['mode', mode],
    ['seed', String(seed)],
    ['took', timeTaken(result)],
    ['started', startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')],
    ['by', tool],
  ];
  return html`<header class="banner ${runTone(verdict)}">
<p class="scenario">${scenario.name}</p>
<h1 class="verdict">${runBadge(verdict)}<span class="headline">${headlineOf(result)}</span></h1>
${scenario.description !== '' && html`<p class="description">${scenario.description}</p>`}
${troubles.length > 0 && deciding(troubles)}
<div class="first"><section aria-labelledby="trust"><h2 id="trust">Can it be trusted?</h2>${validityLine(result)}</section>
<section aria-labelledby="next"><h2 id="next">What next</h2>${nextStep(result, troubles)}</section></div>
<div class="replay"><code id="replay">${result.replay}</code><button type="button" data-copy="replay" hidden>Copy</button><span class="copied" role="status"></span></div>
<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</header>`;
}

function deciding(troubles: readonly Check[]): Markup {
  const rest = troubles.length - MAX_DECIDING;
  return html`<ul class="deciding">${troubles
    .slice(0, MAX_DECIDING)
    .map(
      ({ name, verdict, observed, limit, reason }) =>
        html`<li><p>${checkBadge(verdict)} <code>${name}</code> <strong>${observed}</strong> <span class="allowed">allowed ${limit}</span></p>${reason !== '' && html`<p class="reason">${reason}</p>`}</li>`,
    )}</ul>${rest > 0 && html`<p class="note">and ${rest} more <a href="#checks">in the table of checks</a></p>`}`;
}

function nextStep(result: RunResult, troubles: readonly Check[]): Markup {
  const remedy = troubles.find((check) => check.remedy !== undefined)?.remedy;
  const retainer = (result.leaks ?? []).flatMap(({ growing }) => growing)[0];
  if (retainer !== undefined) {
    const held = retainer.retainers[0];
    return html`<p><code>${retainer.className}</code> grows with every cycle${held !== undefined && html`, held by <code>${held}</code>`}. See <a href="#memory">memory</a>.</p>`;
  }
  if (remedy !== undefined) return html`<p>${remedy}</p>`;
  switch (result.verdict) {
    case 'pass':
      return html`<p>Nothing. <a href="#time">See how it went</a>, or keep <code>result.json</code> as a baseline for <code>mcp-soak compare</code>.</p>`;
    case 'invalid':
      return html`<p>Run it again where the machine has less else to do: what could not be decided is neither good nor bad.</p>`;
    case 'aborted':
      return html`<p>Run it again to its end: what it did not see is no proof of anything.</p>`;
    case 'fail':
      return html`<p>Read the <a href="#checks">evidence</a> of the first failed check, mend it, and repeat the same run:</p>`;
  }
}
