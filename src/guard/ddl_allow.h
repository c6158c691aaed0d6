/*
 * ddl_allow.h
 *	  Exempts the current transaction from the policy on DDL.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DDL_ALLOW_H
#define CMIG_DDL_ALLOW_H

/* Call this once, when the library is loaded. */
extern void cmig_ddl_allow_init(void);

/*
 * Returns the reason passed to cmig.allow_ddl() in this transaction, or NULL
 * if that function has not been called.
 */
extern const char *cmig_ddl_allow_reason(void);

#endif							/* CMIG_DDL_ALLOW_H */
