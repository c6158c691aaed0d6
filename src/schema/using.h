/*
 * using.h
 *	  Conversions of values from one type to another. Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_USING_H
#define CMIG_USING_H

#include "postgres.h"
#include "lib/stringinfo.h"

/*
 * cmig_using_append() appends " USING ..." for ALTER COLUMN ... TYPE, unless
 * the server converts the values without it.  If cmig_using_needed() returns
 * false, the server converts indexes, defaults, and constraints with the
 * column.
 */
extern bool cmig_using_needed(const char *from, const char *to);
extern void cmig_using_append(StringInfo buf, const char *column, const char *from, const char *to);

/* Does cmig_using_append() append anything? */
extern bool cmig_using_converts(const char *from, const char *to);

/*
 * Are the stored values the same in both types, as far as the texts of the
 * types show?
 */
extern bool cmig_using_keeps(const char *from, const char *to);

/*
 * Can the conversion fail, because a value does not fit into the other type?
 */
extern bool cmig_using_may_fail(const char *from, const char *to);

#endif							/* CMIG_USING_H */
