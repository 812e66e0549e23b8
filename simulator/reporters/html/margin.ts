import type { Check } from '../../judge/check.ts';

/** A number with its unit, as checks write them: `41 ms`, `1,100 sessions`, `6m 30s`, `1.5 MiB`, `0.1 %`. */
interface Quantity {
  readonly value: number;
  readonly unit: string;
}

const FACTORS: Readonly<Record<string, readonly [factor: number, unit: string]>> = {
  ms: [1, 'time'],
  s: [1_000, 'time'],
  '%': [1, '%'],
  B: [1, 'bytes'],
  KiB: [2 ** 10, 'bytes'],
  MiB: [2 ** 20, 'bytes'],
  GiB: [2 ** 30, 'bytes'],
  cores: [1, 'cores'],
};

/**
 * How far what was seen is from its limit, in words: `12 % left`, `over by 40 %`, `900 too many`. Undefined where
 * the two are no numbers of one kind, or where equal is what is demanded.
 */
export function marginOf({ observed, limit, verdict }: Check): string | undefined {
  if (verdict !== 'pass' && verdict !== 'fail') return undefined;
  const operator = /(?:^| )(<=|>=|<|>|==|!=) /.exec(limit)?.[1];
  const allowed = quantity(limit.replace(/^.*?(?:<=|>=|<|>|==|!=) ?/, ''));
  const seen = quantity(observed);
  if (allowed === undefined || seen === undefined) return undefined;
  if (allowed.value === 0) {
    const isCount = seen.unit === '' && allowed.unit === '';
    return isCount && verdict === 'fail' && seen.value > 0 ? `${grouped(seen.value)} too many` : undefined;
  }
  // Without a word for more or less, two numbers are two numbers: 400 where 404 was demanded.
  if (operator === undefined || seen.unit !== allowed.unit || operator === '==' || operator === '!=')
    return undefined;
  const isFloor = operator === '>' || operator === '>=';
  const share = ((isFloor ? seen.value - allowed.value : allowed.value - seen.value) / allowed.value) * 100;
  if (share >= 0 !== (verdict === 'pass')) return undefined;
  const word = isFloor ? 'short by' : 'over by';
  return share >= 0 ? `${percent(share)} ${isFloor ? 'above' : 'left'}` : `${word} ${percent(-share)}`;
}

/** The number that a text begins with. */
function quantity(text: string): Quantity | undefined {
  const length = /^(?:(\d+)h )?(\d+)m ?(?:([\d.]+)s)?(?=\W|$)/.exec(text);
  if (length) {
    const [, hours = '0', minutes = '0', seconds = '0'] = length;
    return { value: ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000, unit: 'time' };
  }
  const [, digits, word = ''] = /^(-?[\d,]+(?:\.\d+)?)(?: ?([A-Za-z%]+))?/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const value = Number(digits.replaceAll(',', ''));
  const [factor, unit] = Object.hasOwn(FACTORS, word) ? (FACTORS[word] ?? [1, '']) : [1, ''];
  return { value: value * factor, unit };
}

function percent(share: number): string {
  return share >= 1_000
    ? `${Math.round(share / 100)}×`
    : `${share >= 10 ? Math.round(share) : Number(share.toFixed(1))} %`;
}

function grouped(n: number): string {
  return n.toLocaleString('en-US');
}
