/*
 * type_role.h
 *	  Which role may run the code of a type.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TYPE_ROLE_H
#define CMIG_TYPE_ROLE_H

#include "postgres.h"

/*
 * Returns the role as which the code of a column's type, such as domain checks
 * and casts, runs.  This is the table's owner if the type, and all types that
 * it consists of, belong to roles with the privileges of that owner.
 * Otherwise it is CMIG_ROLE_NOBODY.
 */
extern Oid	cmig_type_role(Oid type, Oid table_owner);

#endif							/* CMIG_TYPE_ROLE_H */
