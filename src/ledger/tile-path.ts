/** Which tile does a path name? The last part of C2SP tlog-tiles' `tile/L/N` and `tile/entries/N`, with `.p/W` for a narrower one. */
import { TILE_WIDTH } from "./tiles.ts";

/** A tile of hashes, or of the entries under a tile of level 0. */
export interface NamedTile {
  /** `entries`: the leaves themselves. */
  readonly level: number | "entries";
  readonly position: number;
  readonly width: number;
}

const PATH =
  /^(?<level>entries|0|[1-9]\d?)\/(?<position>(?:x\d{3}\/){0,4}\d{3})(?:\.p\/(?<width>[1-9]\d{0,2}))?$/;
/** As high as the specification goes, and far higher than a log of 2^53 leaves. */
const MAX_LEVEL = 63;

/** Reads what stands after `tile/`; `undefined` for whatever has another or a second spelling. */
export function parseTilePath(path: string): NamedTile | undefined {
  const groups = PATH.exec(path)?.groups;
  if (groups === undefined) return undefined;
  const { level: name = "", position: digits = "", width = String(TILE_WIDTH) } = groups;
  const level = name === "entries" ? "entries" : Number(name);
  const tile: NamedTile = { level, position: Number(digits.replace(/[x/]/g, "")), width: Number(width) };
  const isThere = level === "entries" || level <= MAX_LEVEL;
  return isThere && tile.width <= TILE_WIDTH && tilePath(tile) === path ? tile : undefined;
}

/** The one spelling of a tile. */
export function tilePath({ level, position, width }: NamedTile): string {
  const digits = String(position);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/\d{3}/g) ?? [];
  const last = groups.length - 1;
  const name = groups.map((group, i) => (i === last ? group : `x${group}`)).join("/");
  return `${level}/${name}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}
