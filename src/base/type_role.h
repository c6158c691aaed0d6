/*
 * type_role.h
 *	  Determines which role may run the code of a type.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TYPE_ROLE_H
#define CMIG_TYPE_ROLE_H

#include "postgres.h"

/*
 * Returns the role that runs the code of a column's type, such as domain
 * checks and casts.  This is the table's owner if the owners of the type, and
 * of all types that it consists of, have the table owner's privileges.
 * Otherwise, it is CMIG_ROLE_NOBODY.
 */
extern Oid	cmig_type_role(Oid type, Oid table_owner);

#endif							/* CMIG_TYPE_ROLE_H */
