import { describe, test } from 'vitest';
import { describePool } from '../../../src/testing/conformance/pool.ts';

describePool({ describe, test }, 'async');
