/*
 * online.h
 *	  What src/online provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ONLINE_H
#define CMIG_ONLINE_H

#include "postgres.h"

/* in guard.c */

/* Call this once, when the library is loaded. */
extern void cmig_ddl_allow_init(void);

/* Set by pg_cmig.c: raises an error for a pattern with an unknown kind. */
extern void (*cmig_ddl_exclude_check) (const List *patterns);

#endif							/* CMIG_ONLINE_H */
