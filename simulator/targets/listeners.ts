import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** TCP state of a listening socket, and the kernel's tables of them (proc_pid_net(5)). */
const LISTEN = '0A';
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/** Processes of a group on this machine; empty where there is no /proc. */
export function processesOf(group: number): number[] {
  return allProcesses().filter((pid) => groupOf(pid) === group);
}

/** The process of a group that listens on a port; undefined when that cannot be seen. */
export function listenerOn(port: number, group: number): number | undefined {
  const inodes = new Set(listening().flatMap((socket) => (socket.port === port ? [socket.inode] : [])));
  return processesOf(group).find((pid) => socketsOf(pid).some((inode) => inodes.has(inode)));
}

/** The ports on which a process listens. */
export function portsOf(pid: number): number[] {
  const own = new Set(socketsOf(pid));
  return listening().flatMap(({ port, inode }) => (own.has(inode) ? [port] : []));
}

function listening(): { port: number; inode: string }[] {
  return TABLES.flatMap((table) =>
    linesOf(table).flatMap((line) => {
      // sl, local address, remote address, state, …, inode
      const fields = line.trim().split(/\s+/);
      const port = Number.parseInt(fields[1]?.split(':').at(-1) ?? '', 16);
      return fields[3] === LISTEN ? [{ port, inode: fields[9] ?? '' }] : [];
    }),
  );
}

function socketsOf(pid: number): string[] {
  return entriesOf(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
    } catch {
      // Closed since it was listed.
      return [];
    }
  });
}

function allProcesses(): number[] {
  return entriesOf('/proc').flatMap((entry) => (/^\d+$/.test(entry) ? [Number(entry)] : []));
}

/** Fields after the command, which stands in brackets and may hold anything (proc_pid_stat(5)). */
function groupOf(pid: number): number {
  const [stat = ''] = linesOf(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    // Gone between two looks, or no Linux: there is nothing to say about it.
    return [];
  }
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    // The same.
    return [];
  }
}
