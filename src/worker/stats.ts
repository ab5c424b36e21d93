import type { Service } from '../kernel/service.ts';
import type { WorkerContext } from './context.ts';

/** What `inspect stats` answers: Celery's fields, those of the services, and what this worker counts besides. */
export function workerStats(context: WorkerContext, services: readonly Service[]): Readonly<Record<string, unknown>> {
  const { clock, core, counters, prefetch, reservations, startedAtMs } = context;
  const pool = context.pool as typeof context.pool | undefined;
  const link = context.link as typeof context.link | undefined;
  const own = services.filter(
    (service) => service.info !== undefined && service.name !== 'pool' && service.name !== 'connection' && service.name !== 'consume',
  );
  return {
    total: Object.fromEntries(counters.total),
    pid: process.pid,
    clock: String(core.lamport.value),
    uptime: Math.round((clock.monotonic() - startedAtMs) / 1000),
    pool: { 'max-concurrency': pool?.size ?? context.options.concurrency, implementation: context.options.pool, ...pool?.info?.() },
    broker: link === undefined ? {} : brokerInfo(link.address, link.transport.name),
    prefetch_count: pool === undefined ? 0 : prefetch.limit(pool.size),
    rusage: rusage(),
    ended: Object.fromEntries(counters.ended),
    refused: { ...counters.refused },
    parked: counters.parked,
    scheduled: reservations.count('scheduled'),
    ...Object.fromEntries(own.map((service) => [service.name, service.info?.()])),
  };
}

/** Celery's fields that mean something here; the address has no password in it. */
function brokerInfo(address: string, transport: string): Readonly<Record<string, unknown>> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  return {
    hostname: url?.hostname === '' ? null : (url?.hostname ?? address),
    userid: url?.username === '' ? null : (url?.username ?? null),
    virtual_host: url === undefined ? '' : decodeURIComponent(url.pathname.replace(/^\//, '')),
    port: url?.port === '' || url === undefined ? null : Number(url.port),
    transport,
    alternates: [],
  };
}

/** Under the names of getrusage: seconds, and KiB of memory. */
function rusage(): Readonly<Record<string, number>> {
  const usage = process.resourceUsage();
  return {
    utime: usage.userCPUTime / 1e6,
    stime: usage.systemCPUTime / 1e6,
    maxrss: usage.maxRSS,
    ixrss: usage.sharedMemorySize,
    idrss: usage.unsharedDataSize,
    isrss: usage.unsharedStackSize,
    minflt: usage.minorPageFault,
    majflt: usage.majorPageFault,
    nswap: usage.swappedOut,
    inblock: usage.fsRead,
    oublock: usage.fsWrite,
    msgsnd: usage.ipcSent,
    msgrcv: usage.ipcReceived,
    nsignals: usage.signalsCount,
    nvcsw: usage.voluntaryContextSwitches,
    nivcsw: usage.involuntaryContextSwitches,
  };
}
