/*
 * initial_grants.h
 *	  Reads the privileges that new objects receive from default privileges in
 *	  the live database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_INITIAL_GRANTS_H
#define CMIG_INITIAL_GRANTS_H

#include "postgres.h"
#include "nodes/pg_list.h"

/*
 * Returns a list of CmigInitialGrants for objects that the current user
 * creates, allocated in the current memory context.
 */
extern List *cmig_initial_grants_read(void);

#endif							/* CMIG_INITIAL_GRANTS_H */
