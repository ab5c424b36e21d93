/** One behaviour that a contract promises. `H` is what a driver must bring along. */
export interface Case<H> {
  readonly name: string;
  /** A reason not to run it on this driver; undefined to run it. Only for what the driver declares not to have. */
  readonly skip?: (harness: H) => string | undefined;
  run(harness: H): Promise<void>;
}

/** What every harness can do. */
export interface Harness {
  /** Lets time pass: by waiting, or by moving a fake clock. */
  elapse(ms: number): Promise<void>;
  /** Closes everything that was opened through it, and leaves nothing behind. */
  close(): Promise<void>;
}

/** The two functions of a test framework that are needed; vitest's and Jest's `describe` and `test` fit, and node:test's. */
export interface TestFramework {
  describe(name: string, body: () => void): void;
  test(name: string, body: (context: { skip(reason?: string): void }) => Promise<void>): void;
}

/** Runs each case on a harness of its own. */
export function describeCases<H extends Harness>(framework: TestFramework, name: string, cases: readonly Case<H>[], createHarness: () => Promise<H>): void {
  framework.describe(name, () => {
    for (const one of cases) {
      framework.test(one.name, async (context) => {
        const harness = await createHarness();
        try {
          const reason = one.skip?.(harness);
          if (reason === undefined) await one.run(harness);
          else context.skip(reason);
        } finally {
          await harness.close();
        }
      });
    }
  });
}
