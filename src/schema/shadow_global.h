/*
 * shadow_global.h
 *	  What has no schema of its own, hidden in the shadow.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_GLOBAL_H
#define CMIG_SHADOW_GLOBAL_H

#include "postgres.h"

/* An object without a schema that is hidden. */
typedef struct CmigHidden
{
	Oid			catalog;
	Oid			object;
	char	   *name;			/* NULL for casts and transforms */
	Oid			owner;			/* the bootstrap superuser if it has none */
	struct CmigHidden *next;
} CmigHidden;

/*
 * Take away what no extension made: publications, casts, transforms, default
 * privileges, and the names of servers, foreign-data wrappers, languages and
 * access methods, whose objects are still in use in schemas that are not
 * managed.  And all event triggers, those of extensions too: they must not
 * fire.
 */
extern CmigHidden *cmig_shadow_global_hide(void);

/* Give the name back, of an object whose row is there. */
extern void cmig_shadow_global_show(const CmigHidden *hidden);

/* The hidden object of that name, or NULL. */
extern const CmigHidden *cmig_shadow_global_find(const CmigHidden *hidden, Oid catalog,
												 const char *name);

#endif							/* CMIG_SHADOW_GLOBAL_H */
