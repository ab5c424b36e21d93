import type { Json, JsonObject, Value, ValueMap } from './json.ts';
import type { SignatureData } from './signature.ts';
import type { WireMessage } from './wire-message.ts';
/** A call as `compile` makes it: Celery's task message, protocol version 2. Names on the wire are Celery's own. */
export interface TaskMessage extends TaskBody {
  readonly headers: TaskHeaders;
}
export interface TaskBody {
  readonly args: readonly Value[];
  readonly kwargs: ValueMap;
  readonly embed: {
    readonly callbacks: readonly SignatureData[] | null;
    readonly errbacks: readonly SignatureData[] | null;
    /** Reversed: the last one runs next. */
    readonly chain: readonly SignatureData[] | null;
    readonly chord: SignatureData | null;
  };
}
/** A call as it came: headers at hand, body untouched, so that a parent can pass it on to a child without reading it. */
export interface ReceivedTask {
  readonly headers: TaskHeaders;
  readonly wire: WireMessage;
  readonly deliveryInfo: {
    readonly exchange: string;
    readonly routingKey: string;
    readonly queue: string;
    readonly priority: number | null;
    readonly redelivered: boolean;
  };
  /** Decoded when first asked for, then kept. A promise only where the codec has no synchronous form. Throws DecodeError. */
  body(): TaskBody | Promise<TaskBody>;
}
/** Missing ones are filled in when a message is parsed (wire.md 1.1); custom headers stand beside them. */
export interface TaskHeaders extends JsonObject {
  readonly lang: string;
  readonly task: string;
  readonly id: string;
  readonly shadow: string | null;
  readonly root_id: string | null;
  readonly parent_id: string | null;
  readonly group: string | null;
  readonly group_index: number | null;
  readonly retries: number;
  readonly eta: string | null;
  readonly expires: string | null;
  /** Seconds. */
  readonly timelimit: readonly [hard: number | null, soft: number | null];
  readonly argsrepr: string | null;
  readonly kwargsrepr: string | null;
  readonly origin: string | null;
  /** Null: the caller said nothing, the task's own setting counts. */
  readonly ignore_result: boolean | null;
  readonly replaced_task_nesting: number;
  readonly stamped_headers: readonly string[] | null;
  readonly stamps: { readonly [name: string]: Json | undefined };
}
