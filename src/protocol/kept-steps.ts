import { decodeForeign } from './json-text.ts';
import type { Value } from './json.ts';
import { listOf, readSignature, type SignatureData } from './signature.ts';

/**
 * Steps of a chain as the text in which they came (a JSON list, the last runs next): what only passes them on splices the text in.
 * Stands for the list itself in a signature's options and is written as it; whoever looks inside reads it then.
 */
export class KeptSteps {
  readonly json: string;
  #steps: readonly SignatureData[] | undefined;

  constructor(json: string) {
    this.json = json;
  }

  /** Throws DecodeError or InvalidTaskError where a step cannot be read. */
  get steps(): readonly SignatureData[] {
    return (this.#steps ??= this.list.map(readSignature));
  }

  /** Not looked at one by one yet. Values that only who runs them can read stay as they came. Throws DecodeError for what nests too deep. */
  get list(): readonly Value[] {
    return listOf(decodeForeign(this.json), 'the chain of a task');
  }

  toJSON(): readonly SignatureData[] {
    return this.steps;
  }

  /** As an option of a signature. */
  get value(): Value {
    return this as unknown as Value;
  }
}
