import type { ApplyOptions, RouteOptions } from '../canvas/call-options.ts';
import type { List } from '../canvas/sendable.ts';

/** A queue name, or the options to publish with. */
export type Route = string | RouteOptions;
export type Router = (name: string, args: List, kwargs: Readonly<Record<string, unknown>>, options: ApplyOptions) => Route | null | undefined;
/** By exact name or glob; for regular expressions and functions, a list. */
export type TaskRoutes =
  | Readonly<Record<string, Route>>
  | Router
  | readonly (Readonly<Record<string, Route>> | readonly [pattern: string | RegExp, route: Route] | Router)[];
