import type { Items } from "../values/items.js";
import type { MapOptions } from "./face.js";

declare const value: unique symbol;

/** Stands for a value that exists only when the dag runs. It is accepted wherever a value of its type is. */
export interface RefTo<out T> {
  readonly [value]: T;
}

/** What calls and inputs give out inside `dag()`: a {@link RefTo} whose members can be read, each a ref again. */
export type Ref<T> = RefTo<Known<T>> & Members<Known<T>>;

type Primitive = string | number | boolean | bigint | symbol | null | undefined;
type Fn = (...args: never[]) => unknown;
export type IsAny<T> = 0 extends 1 & T ? true : false;
type Known<T> = IsAny<T> extends true ? unknown : T;

type Members<T> = [T] extends [never]
  ? unknown
  : unknown extends T
    ? unknown
    : [T] extends [readonly unknown[]]
      ? ListRef<T[number], T["length"]> & TupleMembers<T>
      : [T] extends [boolean | null | undefined]
        ? Leaf & Flag
        : [T] extends [Primitive]
          ? Leaf
          : ObjectMembers<T> & Lookup<T>;
type TupleMembers<T extends readonly unknown[]> = number extends T["length"]
  ? unknown
  : { readonly [K in Extract<keyof T, `${number}`>]: Ref<T[K]> };
type ObjectMembers<T> = {
  readonly [K in Keys<T>]: Ref<
    At<T, K> | ([Extract<T, null | undefined>] extends [never] ? never : undefined)
  >;
};

/** Typed as symbols, refs do not compile in templates, arithmetic and comparisons. */
type Leaf = symbol & { readonly description: never };
/** Callable types do not compile as conditions: `if (flag)`, `flag ? a : b`. */
interface Flag {
  (theValueExistsOnlyWhenTheStepRuns: never): never;
  readonly name: never;
  readonly length: never;
}

type Exact<K> = string extends K ? false : number extends K ? false : symbol extends K ? false : true;
/** Every key of every member of a union, but no index signatures and no methods. */
type Keys<T> = T extends Primitive | readonly unknown[]
  ? never
  : T extends unknown
    ? keyof OwnKeys<T>
    : never;
type OwnKeys<T> = { [K in keyof T as Exact<K> extends true ? (T[K] extends Fn ? never : K) : never]: 0 };
type At<T, K> = T extends Primitive
  ? never
  : T extends unknown
    ? K extends keyof T
      ? T[K]
      : undefined
    : never;
type Lookup<T> = T extends Primitive
  ? unknown
  : string extends keyof T
    ? { at(key: string): Ref<T[keyof T] | undefined> }
    : unknown;

/** The ref of a list. */
export interface ListRef<E, L = number> {
  readonly length: Ref<L>;
  /** One element; negative indices count from the end, and an index that is not there gives a missing value. */
  at(index: number): Ref<E | undefined>;
  /**
   * Fans out: calls `body` once, at definition, to learn the steps that each element gets when the dag runs.
   *
   * @throws JobbersError `definition-invalid`
   * @example
   * const pages = urls.map((url) => fetchPage({ url }));
   */
  map<const W extends Wirable>(
    body: (item: Ref<E>, index: Ref<number>) => W,
    options?: MapOptions<E>,
  ): Ref<Resolve<W>[]>;
}

/** What a build function or a map's body may return: refs, literals, and lists and objects of both; no promise. */
export type Wirable =
  | RefTo<unknown>
  | Primitive
  // biome-ignore lint/suspicious/noConfusingVoidType: functions that return nothing are typed so
  | void
  | (object & { readonly then?: RefTo<unknown> | string | number | boolean | null | undefined });

/** The value that a {@link Wirable} becomes. */
export type Resolve<W> =
  W extends RefTo<infer T>
    ? T
    : // biome-ignore lint/suspicious/noConfusingVoidType: functions that return nothing are typed so
      [W] extends [void]
      ? null
      : W extends Primitive
        ? W
        : W extends object
          ? { -readonly [K in keyof W]: Resolve<W[K]> }
          : W;

/** What a call takes where it wants a `T`: literals in which any part may be a ref. */
export type Input<T> = IsAny<T> extends true ? unknown : RefTo<Frozen<T>> | Literally<T>;
type Literally<T> = T extends Primitive
  ? T
  : T extends Items<unknown>
    ? never
    : T extends readonly unknown[]
      ? number extends T["length"]
        ? readonly Input<T[number]>[]
        : { readonly [K in keyof T]: Input<T[K]> }
      : T extends object
        ? {
            readonly [K in keyof T]: Record<never, never> extends Pick<T, K>
              ? Input<T[K] | undefined>
              : Input<T[K]>;
          }
        : T;
/** Lets a readonly output fit a schema's mutable list. */
type Frozen<T> = T extends Primitive
  ? T
  : T extends Items<infer E>
    ? Items<Frozen<E>>
    : T extends readonly unknown[]
      ? number extends T["length"]
        ? readonly Frozen<T[number]>[]
        : { readonly [K in keyof T]: Frozen<T[K]> }
      : T extends object
        ? { [K in keyof T]: Frozen<T[K]> }
        : T;
