/** Which statements keep guests? */
import { sql } from "drizzle-orm/sql/sql";
import type { FleetStore, StoredGuest } from "../broker/fleet-store.ts";
import {
  given,
  insertInto,
  instantOf,
  integerOf,
  nameOf,
  query,
  type Row,
  type SqlDriver,
  textOf,
} from "./query.ts";
import { guest } from "./schema-findings.ts";

/** The part of the Store contract that is about guests. */
export function createFleetStore(driver: SqlDriver): FleetStore {
  return {
    putGuests: async (guests) => void (await driver.write(guests.map((one) => PUT({ ...one })))),
    guest: async (id) => (await driver.read(FIND({ id }))).map(guestOf)[0],
    newestGuest: async (place) => (await driver.read(FIND_NEWEST({ place }))).map(guestOf)[0],
    guests: async (after, limit) => {
      const { place, id } = after ?? { place: "", id: "" };
      return (await driver.read(LIST({ place, id, limit }))).map(guestOf);
    },
  };
}

/** Whoever read less of the log than another changes nothing. */
const PUT = query(sql`
  ${insertInto(guest)} where true on conflict (${nameOf(guest.id)}) do update set
    ${nameOf(guest.place)} = excluded.place, ${nameOf(guest.seq)} = excluded.seq,
    ${nameOf(guest.lastAt)} = excluded.last_at, ${nameOf(guest.about)} = excluded.about
  where ${guest.seq} < excluded.seq`);

const GUEST = sql`select ${guest.id}, ${guest.place}, ${guest.seq}, ${guest.lastAt}, ${guest.about} from ${guest}`;

const FIND = query(sql`${GUEST} where ${guest.id} = ${given("id")}`);

const FIND_NEWEST = query(sql`
  ${GUEST} where ${guest.place} = ${given("place")} order by ${guest.lastAt} desc, ${guest.seq} desc limit 1`);

const LIST = query(sql`
  ${GUEST} where (${guest.place}, ${guest.id}) > (${given("place")}, ${given("id")})
  order by ${guest.place}, ${guest.id} limit ${given("limit")}`);

function guestOf(row: Row): StoredGuest {
  return {
    id: textOf(row, guest.id),
    place: textOf(row, guest.place),
    seq: integerOf(row, guest.seq),
    lastAt: instantOf(row, guest.lastAt),
    about: textOf(row, guest.about),
  };
}
