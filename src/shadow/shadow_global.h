/*
 * shadow_global.h
 *	  Hides objects without a schema in the shadow.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_GLOBAL_H
#define CMIG_SHADOW_GLOBAL_H

#include "postgres.h"

/* A hidden object without a schema. */
typedef struct CmigHidden
{
	Oid			catalog;
	Oid			object;
	char	   *name;			/* NULL for casts and transforms */
	Oid			owner;			/* the bootstrap superuser if the object has
								 * no owner */
	struct CmigHidden *next;
} CmigHidden;

/*
 * Hide the objects that do not belong to an extension: delete publications,
 * casts, transforms, and default privileges.  Hide only the names of servers,
 * foreign-data wrappers, languages, and access methods, because objects in
 * other schemas still use them.  Also hide all event triggers, even those of
 * extensions, because they must not fire.
 */
extern CmigHidden *cmig_shadow_global_hide(void);

/* Restore the name of a hidden object whose row exists. */
extern void cmig_shadow_global_show(const CmigHidden *hidden);

/* Returns the hidden object with this name, or NULL if there is none. */
extern const CmigHidden *cmig_shadow_global_find(const CmigHidden *hidden, Oid catalog,
												 const char *name);

#endif							/* CMIG_SHADOW_GLOBAL_H */
