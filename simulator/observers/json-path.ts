import { CountError } from './count.ts';

/**
 * The number at a path such as `data.sessions.count` or `hubs.0.sessions`; a list there counts for its length.
 * @throws CountError when the text is not JSON, or nothing of that kind is there
 */
export function readJsonPath(text: string, path: string): number {
  let value = parse(text);
  const walked: string[] = [];
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) {
      const at = walked.length === 0 ? 'the document' : walked.join('.');
      throw new CountError(`there is no '${part}' in ${at}${hint(value)}`);
    }
    value = Object.getOwnPropertyDescriptor(value, part)?.value;
    walked.push(part);
  }
  if (typeof value === 'number') return value;
  if (Array.isArray(value)) return value.length;
  throw new CountError(`expected a number or a list at ${path}, got ${JSON.stringify(value)?.slice(0, 60)}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CountError(`expected JSON, got '${text.slice(0, 60)}'`, { cause: error });
  }
}

function hint(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `, which is ${JSON.stringify(value)}`;
  const keys = Object.keys(value).slice(0, 10);
  return keys.length === 0 ? ', which is empty' : `, which has ${keys.join(', ')}`;
}
