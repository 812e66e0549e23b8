import { expect, it } from 'vitest';
import { isLoopback, urlTarget } from '../../../simulator/targets/url.ts';

it.each([
  ['http://127.0.0.1:8000/mcp', true, 'the address'],
  ['http://127.8.9.10/mcp', true, 'the whole block is loopback'],
  ['http://127.1/mcp', true, 'a short form, which URL spells out'],
  ['http://2130706433/mcp', true, '127.0.0.1 as a number, which URL spells out'],
  ['http://localhost:8000/mcp', true, 'the name'],
  ['https://LOCALHOST/mcp', true, 'names have no case'],
  ['http://[::1]:8000/mcp', true, 'IPv6'],
  ['http://user:pw@127.0.0.1/mcp', true, 'credentials change nothing'],
  ['http://0.0.0.0:8000/mcp', false, 'any address of this machine: not certainly ours'],
  ['http://[::]:8000/mcp', false, 'the same in IPv6'],
  ['http://10.0.0.1/mcp', false, 'a private network is other machines'],
  ['http://192.168.0.1/mcp', false, 'a private network is other machines'],
  ['http://128.0.0.1/mcp', false, 'next to the block'],
  ['http://localhost.example.com/mcp', false, 'only begins like it'],
  ['http://127.0.0.1.example.com/mcp', false, 'only begins like it'],
  ['http://127.0.0.1@example.com/mcp', false, 'that is a user name'],
  ['http://example.com/127.0.0.1', false, 'that is a path'],
  ['http://[2001:db8::1]/mcp', false, 'a global address'],
])('%s: loopback is %s (%s)', (url, expected) => {
  expect(isLoopback(new URL(url))).toBe(expected);
});

it('neither signals nor stops a target that is not ours', async () => {
  const target = urlTarget(new URL('http://127.0.0.1:1/mcp'));
  expect([target.signal, target.exited, target.pid]).toEqual([undefined, undefined, undefined]);
  await expect(target.stop()).resolves.toBeUndefined();
});

it('says why it cannot be reached', async () => {
  const target = urlTarget(new URL('http://127.0.0.1:1/mcp'));
  await expect(target.dial()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
