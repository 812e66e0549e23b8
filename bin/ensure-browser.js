// Finds a Chromium for the tests of the HTML report, and installs Debian's where there is none. Prints its path.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Path of a Chromium: the one that MCP_SOAK_CHROMIUM names, the system's, or Playwright's own. */
export async function findBrowser() {
  const named = process.env.MCP_SOAK_CHROMIUM;
  if (named !== undefined && named !== '') {
    if (existsSync(named)) return named;
    throw new Error(`MCP_SOAK_CHROMIUM: there is no file ${named}. Name the executable of a Chromium.`);
  }
  const folders = (process.env.PATH ?? '').split(delimiter);
  const system = folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(existsSync);
  if (system !== undefined) return system;
  const { chromium } = await import('playwright');
  const own = chromium.executablePath();
  return existsSync(own) ? own : undefined;
}

async function main() {
  if ((await findBrowser()) === undefined) install();
  const path = await findBrowser();
  if (path !== undefined) {
    process.stdout.write(`tests of the HTML report use ${path}\n`);
    return;
  }
  process.stderr.write(
    'The tests of the HTML report need a Chromium, and none could be installed.\n' +
      'Install one ("apt-get install chromium", or "npx playwright install chromium"), or name one in MCP_SOAK_CHROMIUM.\n',
  );
  process.exitCode = 1;
}

function install() {
  const isDebian = existsSync('/usr/bin/apt-get') && process.getuid?.() === 0;
  if (!isDebian) return;
  process.stdout.write('installing Chromium for the tests of the HTML report …\n');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium'],
  ]) {
    const { status, stderr } = spawnSync('apt-get', args, { env, encoding: 'utf8' });
    if (status === 0) continue;
    process.stderr.write(`apt-get ${args.join(' ')} failed:\n${stderr}\n`);
    return;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
