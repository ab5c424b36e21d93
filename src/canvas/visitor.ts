import type { ValueMap } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import { groupData, headerOf } from './signature-data.ts';
import type { AnySignature, StampingVisitor } from './signature.ts';
import type { DataVisitor, Stamps } from './stamp.ts';

/** A visitor as users write it, over data: hooks that are not there say nothing; the header of a chord is a group where they do not say otherwise. */
export function dataVisitor(visitor: StampingVisitor, revive: (data: SignatureData) => unknown): DataVisitor {
  type Start = (signature: AnySignature, stamps: Stamps) => Stamps;
  const shown = (data: SignatureData): AnySignature => revive(data) as AnySignature;
  const asked = (hook: Start | undefined) => (data: SignatureData, stamps: ValueMap) => hook?.call(visitor, shown(data), stamps as Stamps);
  const told = (hook: ((signature: AnySignature, stamps: Stamps) => void) | undefined) => (data: SignatureData, stamps: ValueMap) =>
    hook?.call(visitor, shown(data), stamps as Stamps);
  const asGroup = (chord: SignatureData): SignatureData => groupData(headerOf(chord));
  const { onChordHeaderStart, onChordHeaderEnd } = visitor;
  return {
    onSignature: asked(visitor.onSignature),
    onGroupStart: asked(visitor.onGroupStart),
    onGroupEnd: told(visitor.onGroupEnd),
    onChainStart: asked(visitor.onChainStart),
    onChainEnd: told(visitor.onChainEnd),
    onChordHeaderStart: onChordHeaderStart === undefined ? (chord, stamps) => asked(visitor.onGroupStart)(asGroup(chord), stamps) : asked(onChordHeaderStart),
    onChordHeaderEnd: onChordHeaderEnd === undefined ? (chord, stamps) => told(visitor.onGroupEnd)(asGroup(chord), stamps) : told(onChordHeaderEnd),
    onChordBody: asked(visitor.onChordBody),
    onCallback: asked(visitor.onCallback),
    onErrback: asked(visitor.onErrback),
  };
}
