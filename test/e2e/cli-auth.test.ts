import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mcpSoak, textIn } from './cli.ts';
import { SHORT } from './short-scenario.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-soak-cli-auth-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const newDir = () => mkdtempSync(join(dir, 'out-'));

function write(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

describe('a server that demands authentication', () => {
  const TOKEN = 'token-of-the-cli-test';
  const header = `Authorization: Bearer ${TOKEN}`;
  const guarded = () =>
    write(
      'guarded.yaml',
      SHORT.replace('hub:', `hub:\n  authTokens: { me: ${TOKEN} }`).replace('name: short', 'name: guarded'),
    );

  it('is loaded with --header, whose value is shown nowhere', async () => {
    const out = newDir();
    const {
      code,
      out: said,
      err,
    } = await mcpSoak('run', guarded(), '--seed', '1', '--header', header, '--out', out);
    expect([code, err]).toEqual([0, '']);
    const files = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.\w+$/.test(file),
    );
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) expect(readFileSync(join(out, file), 'utf8'), file).not.toContain(TOKEN);
    expect(said).not.toContain(TOKEN);
    expect(textIn(out, 'result.json')).toContain("--header 'Authorization: …'");
  });

  it('is a bad request without it, in one sentence', async () => {
    const { code, err } = await mcpSoak('run', guarded(), '--quiet', '--out', newDir());
    expect(code).toBe(104);
    expect(err).toMatch(/^mcp-soak: The target at .* with 401 .*--header 'Authorization: Bearer …'.*\.\n$/);
  });

  it.each(['run', 'leak'])('is not asked at all where %s is given no header', async (command) => {
    const args = command === 'run' ? [write('short.yaml', SHORT)] : [];
    const bad = await mcpSoak(command, ...args, '--header', TOKEN, '--out', newDir());
    expect(bad).toMatchObject({ code: 104, out: '' });
    expect(bad.err).toBe("mcp-soak: --header: got what is no header, allowed: 'Authorization: Bearer …'.\n");
  });
});
