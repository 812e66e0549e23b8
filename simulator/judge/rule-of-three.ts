/** Upper bound of a rate of which n cases showed none, at 95 %, in percent with two digits. */
export function ruleOfThree(n: number): string {
  return String(Number(Math.min(100, 300 / Math.max(1, n)).toPrecision(2)));
}
