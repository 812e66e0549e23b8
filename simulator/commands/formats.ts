import { RequestError } from '../run-request.ts';

/** One word of a closed list, as an option takes it. Throws RequestError. */
export function oneOf<const Words extends readonly string[]>(
  option: string,
  text: string,
  words: Words,
): Words[number] {
  const word = words.find((allowed) => allowed === text);
  if (word !== undefined) return word;
  throw new RequestError(`${option}: got '${text}', allowed: ${words.join(', ')}.`);
}

/** Words of a closed list with commas between them, each once. Throws RequestError. */
export function someOf<const Words extends readonly string[]>(
  option: string,
  text: string | undefined,
  words: Words,
): Words[number][] {
  const names = (text ?? '').split(',').filter((name) => name.trim() !== '');
  return [...new Set(names.map((name) => oneOf(option, name.trim(), words)))];
}
