/*
 * options.h
 *	  Storage parameters and column options.
 *
 * Options are stored as a single string: "a='b', c='d'".
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_OPTIONS_H
#define CMIG_OPTIONS_H

#include "postgres.h"
#include "kinds/kind.h"

/* SQL expression that converts a text[] of options to "a='b', c='d'". */
#define CMIG_OPTIONS_SQL(array) \
	"(SELECT string_agg(quote_ident(split_part(o, '=', 1)) || '=' || quote_literal(substr(o, strpos(o, '=') + 1)), ', '" \
	" ORDER BY i) FROM unnest(" array ") WITH ORDINALITY AS u (o, i) WHERE o !~ '^pg_attver=')"

/* Add a prefix to the name of each option. */
extern char *cmig_options_prefixed(const char *options, const char *prefix);

/*
 * Add the statement that changes the options, if they differ.  "reference"
 * names the object; "prefix" is added to the name of each option.
 */
extern void cmig_options_alter(CmigAlter *alter, int property,
							   const char *reference, const char *prefix);

#endif							/* CMIG_OPTIONS_H */
