/*
 * using.h
 *	  Converts values from one type to another.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_USING_H
#define CMIG_USING_H

#include "postgres.h"
#include "lib/stringinfo.h"

/*
 * cmig_using_append() appends " USING ..." for ALTER COLUMN ... TYPE, unless
 * PostgreSQL converts the values without it.  If cmig_using_needed() returns
 * false, PostgreSQL converts indexes, defaults, and constraints along with the
 * column.
 */
extern bool cmig_using_needed(const char *from, const char *to);
extern void cmig_using_append(StringInfo buf, const char *column, const char *from, const char *to);

/* Does cmig_using_append() append anything? */
extern bool cmig_using_converts(const char *from, const char *to);

/* Are stored values the same in both types, as far as the type names show? */
extern bool cmig_using_keeps(const char *from, const char *to);

/* Can the conversion fail because a value does not fit the new type? */
extern bool cmig_using_may_fail(const char *from, const char *to);

#endif							/* CMIG_USING_H */
