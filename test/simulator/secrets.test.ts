import { describe, expect, it } from 'vitest';
import { credentialsIn, Secrets } from '../../simulator/secrets.ts';

describe('a secret', () => {
  const { hide } = Secrets.of(['Bearer abcdefgh-ijkl', 'abcdefgh-ijkl-mnop', 'short']);

  it.each([
    ['goes with the name of its scheme', 'got Bearer abcdefgh-ijkl!', 'got …!'],
    ['goes without it', 'token=abcdefgh-ijkl.', 'token=….'],
    ['goes wherever it stands', 'abcdefgh-ijkl,abcdefgh-ijkl', '…,…'],
    ['goes whole where another is its beginning', 'abcdefgh-ijkl-mnop', '…'],
    ['goes where a long text was cut in it', 'you sent abcdefgh-i…', 'you sent …'],
    ['goes where it was cut without a sign', 'you sent abcdefgh', 'you sent …'],
    ['stays where it only begins alike', 'abcdefgh and so on', 'abcdefgh and so on'],
    ['stays when so short a text stands anywhere', 'a short text', 'a short text'],
  ])('%s', (_, text, shown) => {
    expect(hide(text)).toBe(shown);
  });
});

it('is what a header holds, unless that only says where somebody comes from', () => {
  const headers = {
    Authorization: 'Bearer a',
    origin: 'http://127.0.0.1:3000',
    'User-Agent': 'us',
    'X-Key': 'k',
  };
  expect(credentialsIn({ ...headers, 'X-None': undefined })).toEqual(['Bearer a', 'k']);
});
