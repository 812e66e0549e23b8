import { readFileSync } from 'node:fs';
import * as z from 'zod';

/**
 * How many files a process may have open at once, sockets included (`ulimit -n`, the soft limit: what it may raise that
 * to by itself it has to raise first); undefined where nobody tells, or where there is no limit.
 */
export function openFilesLimit(pid: number | 'self'): number | undefined {
  const limit = limitInProc(pid) ?? (pid === 'self' ? limitInReport() : undefined);
  return limit !== undefined && Number.isSafeInteger(limit) ? limit : undefined;
}

/** `Max open files            1024                 524288               files` (proc_pid_limits(5)). */
function limitInProc(pid: number | 'self'): number | undefined {
  try {
    const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
    const soft = /^Max open files +(\d+|unlimited)/m.exec(limits)?.[1];
    return soft === undefined || soft === 'unlimited' ? undefined : Number(soft);
  } catch {
    // Gone, not ours to see, or no Linux.
    return undefined;
  }
}

const ReportSchema = z.object({ userLimits: z.object({ open_files: z.object({ soft: z.number() }) }) });

/** What Node says of its own process; it knows the limit on every system but Windows, which has none. */
function limitInReport(): number | undefined {
  const report = ReportSchema.safeParse(process.report.getReport());
  return report.success ? report.data.userLimits.open_files.soft : undefined;
}
