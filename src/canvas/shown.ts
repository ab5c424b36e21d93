import { pythonRepr } from '../kernel/repr.ts';
import type { Value } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import { bodyOf, headerOf, stepsOf } from './signature-data.ts';

/** A workflow in one line, as Celery shows it: `proj.add(2, 2) | mul(4)`, the module named once. */
export function shownCall(data: SignatureData): string {
  const name = firstTask(data);
  const module = name.slice(0, name.lastIndexOf('.') + 1);
  const [first, ...others] = module === '' ? [shown(data)] : shown(data).split(module);
  return others.length === 0 ? first! : `${first}${module}${others.join('')}`;
}

function shown(data: SignatureData): string {
  const { task, args, kwargs, subtask_type } = data;
  const tasks = (): string =>
    stepsOf(kwargs['tasks'])
      .map(shown)
      .join(subtask_type === 'chain' ? ' | ' : ', ');
  switch (subtask_type) {
    case 'chain':
      return tasks();
    case 'group':
      return `group([${tasks()}])`;
    case 'chord':
      return `%${withHeader(bodyOf(data), `[${headerOf(data).map(shown).join(', ')}]`)}`;
  }
  if (task === 'celery.map') return `[${mapped(data)}(x) for x in ${pythonRepr(kwargs['it'])}]`;
  if (task === 'celery.starmap') return `[${mapped(data)}(*x) for x in ${pythonRepr(kwargs['it'])}]`;
  return `${task}(${argumentsOf(args, kwargs).join(', ')})`;
}

const mapped = ({ kwargs }: SignatureData): string => stepsOf(kwargs['task'])[0]?.task ?? '?';

/** A body shows its header as its first argument; a chain as a body, as that of its first step. */
function withHeader(body: SignatureData | undefined, header: string): string {
  if (body === undefined) return header;
  const [first, ...rest] = body.subtask_type === 'chain' ? stepsOf(body.kwargs['tasks']) : [body];
  if (first === undefined || first.subtask_type !== null) return `${shown(body)}(${header})`;
  const call = `${first.task}(${[header, ...argumentsOf(first.args, first.kwargs)].join(', ')})`;
  return rest.length === 0 ? call : `(${[call, ...rest.map(shown)].join(' | ')})`;
}

const argumentsOf = (args: readonly Value[], kwargs: SignatureData['kwargs']): readonly string[] => [
  ...args.map((arg) => pythonRepr(arg)),
  ...Object.entries(kwargs).map(([name, value]) => `${name}=${pythonRepr(value)}`),
];

function firstTask(data: SignatureData): string {
  const [within] =
    data.subtask_type === 'chord'
      ? [bodyOf(data)]
      : data.subtask_type === null
        ? stepsOf(data.task === 'celery.map' || data.task === 'celery.starmap' ? data.kwargs['task'] : undefined)
        : stepsOf(data.kwargs['tasks']);
  return within === undefined ? data.task : firstTask(within);
}
