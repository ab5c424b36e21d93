/** `celeriac/testing`: an app whose broker is memory and whose time stands still, for tests of your tasks; and what every driver, pool and store must do, as suites for a test framework of your choice. */
export { createTestApp, startTestWorker, type EnqueuedCall, type TestApp, type TestAppOptions, type TestClock } from './test-app.ts';
export { expectEnqueued, expectNotEnqueued, type EnqueuedMatch } from './expect-enqueued.ts';
export { runTask, type MadeUpContext, type RunOutcome } from './run-one.ts';
export { describeBackend, type BackendHarness } from './conformance/backend.ts';
export { describeChordCounter } from './conformance/chord-counter.ts';
export { describeChordStore } from './conformance/chord-store.ts';
export { describePool } from './conformance/pool.ts';
export { describeQueueStore, type QueueStoreHarness } from './conformance/queue-store.ts';
export { describeTransport, type TransportHarness } from './conformance/transport.ts';
export type { Case, Harness, TestFramework } from './conformance/suite.ts';
export { createFakeClock, type FakeClock } from './fake-clock.ts';
// What a driver of your own is written against; `app.extend({ kind: 'transport' | 'backend', … })` brings it in.
export type { BackendDriver, BackendOptions, ChordCounter, ChordStore, ResultBackend } from '../backends/backend.ts';
export type { BrokerConnection, Channel, ConnectOptions, Delivery, Transport, TransportCapabilities } from '../transports/transport.ts';
export type { QueueStore, Reservation } from '../transports/virtual/queue-store.ts';
export { virtualTransport } from '../transports/virtual/transport.ts';
